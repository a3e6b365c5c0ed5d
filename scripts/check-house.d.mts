// The types of the house checks, for the tests that are written in TypeScript.

export interface Finding {
  readonly file: string
  readonly line: number
  readonly message: string
}

/** Path relative to the root, with `/`, → text. */
export type Tree = ReadonlyMap<string, string>

export function checkFloors(tree: Tree): Finding[]
export function checkSyncLabels(tree: Tree): Finding[]
export function checkErrorCodes(tree: Tree, options?: { wantEveryCodeUsed?: boolean }): Finding[]
export function checkTidy(tree: Tree): Finding[]
export function readTree(root: string): Tree
export const CHECKS: ReadonlyMap<string, (tree: Tree) => Finding[]>
