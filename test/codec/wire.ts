// A msgpack encoder and decoder that share nothing but bytes and saved structures.

import type { FlyshuttleError } from '../../src/base/errors.js'
import { MsgpackDecoder, MsgpackEncoder } from '../../src/codec/msgpack.js'
import { viewsOf, type Views } from '../../src/memory/region.js'

/** A sender and a receiver. `carry` sends a value and returns what arrives. */
export class Wire {
  saved: string[][] = []
  saves = 0
  readonly views: Views
  readonly encoder: MsgpackEncoder
  readonly decoder = new MsgpackDecoder({ load: () => this.saved })

  constructor(save?: (structures: string[][]) => boolean | void, views = sharedViews()) {
    this.views = views
    this.encoder = new MsgpackEncoder({
      structures: [],
      save: (structures) => {
        this.saves++
        const answer = save?.(structures)
        // Through JSON, as the dictionary does it: nothing but the keys may matter.
        if (answer !== false) this.saved = JSON.parse(JSON.stringify(structures))
        return answer
      },
    })
  }

  send(value: unknown, offset = 64): number {
    const bytes = this.encoder.encode('a.b', value)
    this.encoder.copyTo(this.views, offset)
    return bytes
  }

  carry(value: unknown, offset = 64): unknown {
    const bytes = this.send(value, offset)
    return this.decoder.decode(this.views.buffer, offset, offset + bytes)
  }
}

export function sharedViews(bytes = 1 << 20): Views {
  return viewsOf(new SharedArrayBuffer(bytes))
}

export function thrownBy(run: () => unknown): FlyshuttleError {
  try {
    run()
  } catch (error) {
    return error as FlyshuttleError
  }
  throw new Error('nothing was thrown')
}
