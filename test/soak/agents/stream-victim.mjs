// Replies with streams and reads those of others, until it is ended.

import { defineAgent } from 'flyshuttle'
import { createRandom } from '../random.mjs'
import { Traffic } from '../stream-traffic.mjs'

export default defineAgent({
  name: 'stream-victim',
  async onStart(context) {
    const random = createRandom(context.config.seed)
    const below = (limit) => Math.floor(random() * limit)
    await new Traffic(context, below, (text) => context.publish('kills.wrong', text)).start()
  },
})
