// Type-checks pieces of TypeScript from the papers against the built package, as if each stood in
// an async function of a program that has an engine and a few messages.

import { join } from 'node:path'
import ts from 'typescript'
import { ROOT } from './papers.js'

/** What a fragment may use without declaring it. It may declare the same names anew. */
const PRELUDE = `
import {
  FlyshuttleError, ascii, bool, bytes, channel, createEngine, defineAgent, diagnose, f32, f64, i16,
  i32, i64, i8, join, message, object, on, oneOf, openReceiver, openSender, raw, rpc, u16, u32, u64,
  u8, utf8, type AgentContext, type ChannelHandle, type Engine, type JoinedBus, type PayloadOf,
} from 'flyshuttle'
import { Worker, workerData } from 'node:worker_threads'
import { Piscina } from 'piscina'
declare const engine: Engine
declare const bus: JoinedBus
declare const totals: { readonly name: string }
declare const flight: { origin: string; delayMin: number }
declare function count(origin: string): void
declare function reject(value: unknown, field: unknown): void
const Flight = message('flights.departed', { origin: ascii(3), delayMin: i16 })
const Worst = rpc('delays.worst', { request: { top: u8 }, reply: object<[string, number][]>() })
export async function fragment(): Promise<void> {
`

export interface Fragment {
  /** Where it stands, for messages. */
  readonly name: string
  readonly text: string
}

/** What the compiler says of each fragment, in order; nothing means that it is right. */
export function checkFragments(fragments: readonly Fragment[]): string[][] {
  const sources = new Map(
    fragments.map(({ text }, n) => [
      join(ROOT, 'test', 'docs', `fragment-${n}.ts`),
      // One that imports is a module of its own.
      /^import /m.test(text) ? text : `${PRELUDE}${text}\n}\n`,
    ]),
  )
  const program = createProgram(sources)
  return [...sources.keys()].map((path, n) => {
    const file = program.getSourceFile(path)
    const found = [
      ...program.getSyntacticDiagnostics(file),
      ...program.getSemanticDiagnostics(file),
    ]
    return found.map(({ messageText }) => {
      const text = ts.flattenDiagnosticMessageText(messageText, ' ')
      return `${fragments[n]?.name}: ${text}`
    })
  })
}

function createProgram(sources: ReadonlyMap<string, string>): ts.Program {
  const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), ts.sys.readFile)
  const { options } = ts.parseJsonConfigFileContent({ ...config, files: [] }, ts.sys, ROOT)
  const relaxed = {
    ...options,
    allowImportingTsExtensions: true,
    noUnusedLocals: false,
    noUnusedParameters: false,
  }
  const host = ts.createCompilerHost(relaxed)
  const { fileExists, readFile } = host
  host.fileExists = (path) => sources.has(path) || fileExists(path)
  host.readFile = (path) => sources.get(path) ?? readFile(path)
  return ts.createProgram([...sources.keys()], relaxed, host)
}
