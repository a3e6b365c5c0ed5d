// A first-in first-out queue on an array that is compacted now and then: `Array.shift` moves every
// element.

export class Fifo<T> {
  #items: (T | undefined)[] = []
  #start = 0

  get length(): number {
    return this.#items.length - this.#start
  }

  push(item: T): void {
    this.#items.push(item)
  }

  /** The oldest item, left in place. */
  peek(): T | undefined {
    return this.#items[this.#start]
  }

  shift(): T | undefined {
    if (this.#start === this.#items.length) return undefined
    const item = this.#items[this.#start]
    this.#items[this.#start++] = undefined
    if (this.#start === this.#items.length) {
      this.#items.length = 0
      this.#start = 0
    } else if (this.#start > 1024 && this.#start * 2 > this.#items.length) {
      this.#items.splice(0, this.#start)
      this.#start = 0
    }
    return item
  }

  /** Takes out the oldest item that `isWanted` says yes to. */
  takeFirst(isWanted: (item: T) => boolean): T | undefined {
    for (let index = this.#start; index < this.#items.length; index++) {
      const item = this.#items[index] as T
      if (!isWanted(item)) continue
      if (index === this.#start) return this.shift()
      this.#items.splice(index, 1)
      return item
    }
    return undefined
  }

  clear(): void {
    this.#items.length = 0
    this.#start = 0
  }
}
