// Reads the papers: every Markdown file of the repository, its code fences, links and named files.

import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('../../', import.meta.url))

export interface Fence {
  readonly paper: string
  /** Line of its first line of code. */
  readonly line: number
  readonly language: string
  readonly text: string
}

const FOLDERS_LEFT_OUT = /(^|\/)(node_modules|build|dist|coverage|\.[^/]*)(\/|$)/

/** Paths of all Markdown files, relative to the root, with `/`. */
export function findPapers(folder = ''): string[] {
  return readdirSync(`${ROOT}${folder}`, { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`
    if (FOLDERS_LEFT_OUT.test(path)) return []
    if (entry.isDirectory()) return findPapers(path)
    return path.endsWith('.md') ? [path] : []
  })
}

export function readPaper(paper: string): string {
  return readFileSync(`${ROOT}${paper}`, 'utf8')
}

/** The fenced blocks of a paper, in order. */
export function fencesOf(paper: string): Fence[] {
  const fences: Fence[] = []
  let open: { line: number; language: string; lines: string[] } | null = null
  for (const [index, line] of readPaper(paper).split('\n').entries()) {
    const mark = /^```(.*)$/.exec(line)
    if (mark === null) open?.lines.push(line)
    else if (open === null) open = { line: index + 2, language: mark[1] as string, lines: [] }
    else {
      fences.push({ paper, line: open.line, language: open.language, text: open.lines.join('\n') })
      open = null
    }
  }
  if (open !== null) throw new Error(`${paper}:${open.line} opens a fence that is never closed`)
  return fences
}

/** A paper's text without its code: no fences, no indented blocks, no `spans`. */
export function proseOf(paper: string): string {
  return readPaper(paper)
    .replace(/^```[^\n]*\n[\s\S]*?^```$/gm, '')
    .replace(/^ {4,}.*$/gm, '')
    .replace(/`[^`\n]*`/g, '``')
}

/** The anchors that headings of a paper make, as GitHub names them. */
export function anchorsOf(paper: string): Set<string> {
  const text = readPaper(paper).replace(/^```[^\n]*\n[\s\S]*?^```$/gm, '')
  const headings = [...text.matchAll(/^#{1,6} (.+)$/gm)].map(([, heading]) => heading as string)
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .trim()
        .replace(/ /g, '-'),
    ),
  )
}
