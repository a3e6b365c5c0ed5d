// Draws thumbnails. Picture 7 cannot be drawn; picture 5 takes its first painter's thread with it.

import { defineAgent } from 'flyshuttle'

async function draw({ picture }, attempt) {
  if (picture === 5 && attempt === 1) process.exit(1)
  await new Promise((resolve) => setTimeout(resolve, 2))
  if (picture === 7) throw new Error(`picture ${picture} is no picture`)
}

export default defineAgent({
  name: 'painter',
  onStart: async (context) => {
    const jobs = await context.queue('thumbnails')
    jobs.consume(async (job, { attempt }) => {
      await draw(job, attempt)
      context.publish('drawn', { picture: job.picture, attempt })
    })
  },
})
