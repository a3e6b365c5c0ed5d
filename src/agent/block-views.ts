// The views through which a program reads and fills blocks, made and watched once for each block.
//
// Making a view, having the garbage collector watch it and calling that off again costs more than
// all else that a thread does for a message in a block. So the view of a block is kept here when
// its lease or loan has ended, watched as it is, and serves the next one of the same length.
//
// What is watched is the view and not the lease: whoever keeps but the view still reads the block.
// While it is out, nobody here holds it; while it is here, it cannot be forgotten.

/** What a block is used for, as far as its view is known to be alive. */
export interface BlockUse {
  readonly block: number
  readonly bytes: number
  kind: 'lease' | 'loan'
  subject: string | null
}

/** `use` is null for bytes that lie in no block. */
export interface BlockView {
  readonly bytes: Uint8Array
  readonly use: BlockUse | null
}

export class BlockViews {
  readonly #memory: SharedArrayBuffer
  readonly #forgotten: FinalizationRegistry<BlockUse>
  /** By block: the view that was given back. */
  readonly #spare: (BlockView | null)[] = []

  /** `onForgotten` is told when a view is gone that was not given back. */
  constructor(memory: SharedArrayBuffer, onForgotten: (use: BlockUse) => void) {
    this.#memory = memory
    this.#forgotten = new FinalizationRegistry(onForgotten)
  }

  /** The bytes of a block that is to be used. */
  take(
    block: number,
    start: number,
    length: number,
    kind: BlockUse['kind'],
    subject: string | null,
  ): BlockView {
    const spare = this.#spare[block] ?? null
    if (spare !== null && spare.use !== null && isAt(spare.bytes, start, length)) {
      this.#spare[block] = null
      spare.use.kind = kind
      spare.use.subject = subject
      return spare
    }
    const bytes = new Uint8Array(this.#memory, start, length)
    const use: BlockUse = { block, bytes: length, kind, subject }
    this.#forgotten.register(bytes, use, use)
    return { bytes, use }
  }

  giveBack(view: BlockView, use: BlockUse): void {
    const other = this.#spare[use.block] ?? null
    // Several leases of one block at a time, or messages of several lengths: the last one stays.
    if (other !== null && other.use !== null) this.#forgotten.unregister(other.use)
    this.#spare[use.block] = view
  }
}

function isAt({ byteOffset, length }: Uint8Array, start: number, wanted: number): boolean {
  return byteOffset === start && length === wanted
}
