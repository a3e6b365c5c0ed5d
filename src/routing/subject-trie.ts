// Which of many patterns match one subject: a tree with one level per token.
//
//   orders.new   orders.*   orders.>            root
//                                                │ orders
//                                              node ── open: values of `orders.>`
//                                          new │   │ *
//                                           node   node ── each with the values of its own pattern
//
// Each thread's routing table and its dispatcher use it. It takes checked patterns and checked
// subjects only (see subject.ts) and gives exactly the answers of `subjectMatches`. Patterns
// without a wildcard, as nearly all are, lie in a map beside the tree: one look-up finds them, and
// each step down a large tree is a wait for memory. Children are
// found by a hash of the token, computed from the subject's characters where they stand, so that a
// match cuts no string: it allocates its result and nothing else. Tokens with equal hashes hang in
// a chain (whoever wants one can make it long; it costs time only). Nodes without values and
// children are cut off on removal.

import { SUBJECT_TOKENS_MAX } from '../base/limits.js'
import { isPattern } from './subject.js'
import { addAll, withValue, withoutValue, type Values } from './values.js'

const DOT = 0x2e
const DOLLAR = 0x24
const STAR = '*'
const OPEN = '>'

/**
 * Values filed under patterns. A value filed under several patterns is found once for each that
 * matches; under one pattern it is kept once.
 *
 * @example
 * const trie = new SubjectTrie<number>()
 * trie.insert('orders.*', 1)
 * trie.match('orders.new')   // [1]
 */
export class SubjectTrie<T> {
  readonly #root = new Node<T>('', 0, null)
  readonly #concrete = new Map<string, Values<T>>()
  #size = 0

  /** Pairs of pattern and value. */
  get size(): number {
    return this.#size
  }

  get isEmpty(): boolean {
    return this.#size === 0
  }

  /**
   * Nodes alive and concrete subjects, the root included: removal brings it back to 1. Walks the
   * tree; for tests.
   */
  get nodeCount(): number {
    return this.#root.countNodes() + this.#concrete.size
  }

  /** Files `value` under `pattern`. False when it was there already. */
  insert(pattern: string, value: T): boolean {
    if (!isPattern(pattern)) {
      const values = this.#concrete.get(pattern) ?? null
      const more = withValue(values, value)
      if (more === null) return false
      if (more !== values) this.#concrete.set(pattern, more)
    } else {
      const isOpen = endsOpen(pattern)
      const node = this.#ensureNode(pattern, closedEnd(pattern, isOpen))
      const more = withValue(isOpen ? node.open : node.exact, value)
      if (more === null) return false
      if (isOpen) node.open = more
      else node.exact = more
    }
    this.#size++
    return true
  }

  /** Takes `value` from under `pattern`. False when it was not there. */
  remove(pattern: string, value: T): boolean {
    const isGone = isPattern(pattern)
      ? this.#removeFromTree(pattern, value)
      : this.#removeConcrete(pattern, value)
    if (isGone) this.#size--
    return isGone
  }

  /**
   * Every value whose pattern matches the concrete `subject`, in an order that depends only on what
   * was done before: exact tokens first, then `*`, then `>`, and in order of insertion under one
   * pattern.
   */
  match(subject: string): T[] {
    const found: T[] = []
    const concrete = this.#concrete.get(subject)
    if (concrete !== undefined) addAll(concrete, found)
    if (!this.#root.isBare) {
      splitTokens(subject)
      const hidesFromWildcards = subject.charCodeAt(0) === DOLLAR
      collect(this.#root, subject, 0, hidesFromWildcards, found)
    }
    return found
  }

  #ensureNode(pattern: string, closedEnd: number): Node<T> {
    let node = this.#root
    for (let start = 0; start < closedEnd;) {
      const end = tokenEnd(pattern, start)
      node = node.ensureChild(pattern, start, end)
      start = end + 1
    }
    return node
  }

  #removeConcrete(pattern: string, value: T): boolean {
    const values = this.#concrete.get(pattern)
    const left = values === undefined ? undefined : withoutValue(values, value)
    if (left === undefined) return false
    if (left === null) this.#concrete.delete(pattern)
    else if (left !== values) this.#concrete.set(pattern, left)
    return true
  }

  #removeFromTree(pattern: string, value: T): boolean {
    const isOpen = endsOpen(pattern)
    let node: Node<T> | null = this.#root
    for (let start = 0; start < closedEnd(pattern, isOpen) && node !== null;) {
      const end = tokenEnd(pattern, start)
      node = node.childFor(pattern, start, end)
      start = end + 1
    }
    if (node === null) return false
    const values = isOpen ? node.open : node.exact
    const left = values === null ? undefined : withoutValue(values, value)
    if (left === undefined) return false
    if (isOpen) node.open = left
    else node.exact = left
    while (node.parent !== null && node.isBare) {
      const parent: Node<T> = node.parent
      parent.drop(node)
      node = parent
    }
    return true
  }
}

/** Where the tokens before a trailing `>` end; the whole pattern when there is none. */
function closedEnd(pattern: string, isOpen: boolean): number {
  return isOpen ? pattern.length - 1 : pattern.length
}

function endsOpen(pattern: string): boolean {
  return pattern.endsWith(OPEN)
}

function tokenEnd(text: string, start: number): number {
  const dot = text.indexOf('.', start)
  return dot === -1 ? text.length : dot
}

// Of the subject under way: how many tokens it has, where each ends, and its hash.
let tokens = 0
const ends = new Int32Array(SUBJECT_TOKENS_MAX)
const hashes = new Int32Array(SUBJECT_TOKENS_MAX)

function splitTokens(subject: string): void {
  tokens = 0
  let hash = HASH_SEED
  for (let index = 0; index < subject.length; index++) {
    const code = subject.charCodeAt(index)
    if (code === DOT) {
      ends[tokens] = index
      hashes[tokens++] = hash
      hash = HASH_SEED
    } else hash = hashStep(hash, code)
  }
  ends[tokens] = subject.length
  hashes[tokens++] = hash
}

/** Adds what is filed below `node` for the tokens of the subject from number `token` on. */
function collect<T>(
  node: Node<T>,
  subject: string,
  token: number,
  literal: boolean,
  found: T[],
): void {
  if (token === tokens) {
    addAll(node.exact, found)
    return
  }
  const start = token === 0 ? 0 : (ends[token - 1] as number) + 1
  const child = node.find(hashes[token] as number, subject, start, ends[token] as number)
  if (child !== null) collect(child, subject, token + 1, false, found)
  if (literal) return
  if (node.star !== null) collect(node.star, subject, token + 1, false, found)
  addAll(node.open, found)
}

class Node<T> {
  // First what every match reads: it lies in one line of memory, or two.
  readonly #hash: number
  readonly #token: string
  /** The next node below the same parent whose token has the same hash. */
  #sameHash: Node<T> | null = null
  /** Values of the pattern that ends here, and of the pattern that goes on with `>`. */
  exact: Values<T> | null = null
  open: Values<T> | null = null
  star: Node<T> | null = null
  /** The only child there is, or all of them by hash. */
  #only: Node<T> | null = null
  #children: Map<number, Node<T>> | null = null
  readonly parent: Node<T> | null

  constructor(token: string, hash: number, parent: Node<T> | null) {
    this.#token = token
    this.#hash = hash
    this.parent = parent
  }

  get isBare(): boolean {
    const hasChild = this.#only !== null || this.#children !== null || this.star !== null
    return this.exact === null && this.open === null && !hasChild
  }

  /** The child of a literal token, given as a stretch of `text` and its hash. */
  find(hash: number, text: string, start: number, end: number): Node<T> | null {
    const only = this.#only
    if (only !== null) {
      return only.#hash === hash && only.#isToken(text, start, end) ? only : null
    }
    if (this.#children === null) return null
    let child = this.#children.get(hash) ?? null
    while (child !== null && !child.#isToken(text, start, end)) child = child.#sameHash
    return child
  }

  /** The child of one token of a pattern: literal or `*`. */
  childFor(pattern: string, start: number, end: number): Node<T> | null {
    if (isStar(pattern, start, end)) return this.star
    return this.find(tokenHash(pattern, start, end), pattern, start, end)
  }

  ensureChild(pattern: string, start: number, end: number): Node<T> {
    const present = this.childFor(pattern, start, end)
    if (present !== null) return present
    if (isStar(pattern, start, end)) return (this.star = new Node<T>(STAR, 0, this))
    const hash = tokenHash(pattern, start, end)
    const child = new Node<T>(pattern.slice(start, end), hash, this)
    if (this.#only === null && this.#children === null) return (this.#only = child)
    if (this.#children === null) {
      const only = this.#only as Node<T>
      this.#children = new Map([[only.#hash, only]])
      this.#only = null
    }
    child.#sameHash = this.#children.get(hash) ?? null
    this.#children.set(hash, child)
    return child
  }

  drop(child: Node<T>): void {
    if (child === this.star) {
      this.star = null
      return
    }
    if (child === this.#only) {
      this.#only = null
      return
    }
    const children = this.#children as Map<number, Node<T>>
    const first = children.get(child.#hash) as Node<T>
    if (first !== child) {
      let before = first
      while (before.#sameHash !== child) before = before.#sameHash as Node<T>
      before.#sameHash = child.#sameHash
    } else if (child.#sameHash !== null) {
      children.set(child.#hash, child.#sameHash)
    } else {
      children.delete(child.#hash)
      if (children.size === 0) this.#children = null
    }
  }

  countNodes(): number {
    let count = 1 + (this.star?.countNodes() ?? 0) + (this.#only?.countNodes() ?? 0)
    for (const first of this.#children?.values() ?? []) {
      for (let next: Node<T> | null = first; next !== null; next = next.#sameHash) {
        count += next.countNodes()
      }
    }
    return count
  }

  #isToken(text: string, start: number, end: number): boolean {
    return end - start === this.#token.length && text.startsWith(this.#token, start)
  }
}

function isStar(pattern: string, start: number, end: number): boolean {
  return end - start === 1 && pattern.startsWith(STAR, start)
}

// FNV-1a, 32 bits, kept signed: V8 stores those in a Map without boxing.
const HASH_SEED = 0x811c9dc5 | 0

function hashStep(hash: number, code: number): number {
  return Math.imul(hash ^ code, 0x01000193)
}

/**
 * The hash of `text` from `start` to `end`. Exported for the test that needs two tokens with one
 * hash.
 */
export function tokenHash(text: string, start: number, end: number): number {
  let hash = HASH_SEED
  for (let index = start; index < end; index++) hash = hashStep(hash, text.charCodeAt(index))
  return hash
}
