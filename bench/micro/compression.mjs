// What compressing a payload costs, and taking it out again: log lines as JSON, of three sizes. An
// algorithm that is not there has no row.

import { ALGORITHMS, compressionBy } from 'flyshuttle/testing'
import { caseOf } from './cases.mjs'

const SIZES = [1024, 16_384, 262_144]
const REPEATS = 8

/** Log lines that differ as log lines do, always the same. */
function linesOf(bytes) {
  const levels = ['debug', 'info', 'warn', 'error']
  let text = ''
  for (let line = 0, state = 1; text.length < bytes; line++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    const user = `user${(state >>> 8) % 1000}`
    const level = levels[state >>> 30]
    const path = `/orders/${state >>> 12}`
    text += `${JSON.stringify({ line, level, user, path, ms: state >>> 23 })}\n`
  }
  return Buffer.from(text.slice(0, bytes))
}

function isHere(algorithm) {
  try {
    compressionBy(algorithm)
    return true
  } catch (error) {
    if (error.code === 'ERR_COMPRESSION_UNAVAILABLE') return false
    throw error
  }
}

/** @returns {import('./cases.mjs').Case[]} */
export function compressionCases() {
  return ALGORITHMS.filter(isHere).flatMap((algorithm) => {
    const compression = compressionBy(algorithm)
    return SIZES.flatMap((bytes) => {
      const plain = linesOf(bytes)
      const packed = Buffer.from(compression.compress(plain))
      const share = `${bytes} B of log lines, which become ${packed.length}`
      const pack = () => {
        let sum = 0
        for (let index = 0; index < REPEATS; index++) sum += compression.compress(plain).length
        return sum
      }
      const unpack = () => {
        let sum = 0
        for (let index = 0; index < REPEATS; index++) {
          sum += compression.decompress(packed, bytes).length
        }
        return sum
      }
      return [
        caseOf(`${algorithm}/pack-${bytes}`, share, () => packed.length, pack, REPEATS),
        caseOf(`${algorithm}/unpack-${bytes}`, 'the way back', () => bytes, unpack, REPEATS),
      ]
    })
  })
}
