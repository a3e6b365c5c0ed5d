// What is asked in the request scenarios: add two numbers. The work is nothing, so that the journey
// is what remains.

/**
 * The question with a sequence number below 2^31.
 *
 * @param {number} id
 */
export function questionAt(id) {
  return { id, a: id * 0.5, b: id % 1000 }
}

/**
 * What every responder does.
 *
 * @param {{ id: number, a: number, b: number }} question
 */
export function answerTo(question) {
  return { id: question.id, sum: question.a + question.b }
}

/**
 * Adds one answer to a sum modulo 2^32.
 *
 * @param {number} sum
 * @param {{ id: number, sum: number }} answer
 */
export function foldAnswer(sum, answer) {
  return (sum + answer.id + 6 * answer.sum) | 0
}

/**
 * The sum over the answers to `count` questions from `first` on, straight from the numbers.
 *
 * @param {number} first
 * @param {number} count
 */
export function expectedAnswerSum(first, count) {
  let sum = 0
  for (let id = first; id < first + count; id++) sum = (sum + 4 * id + 6 * (id % 1000)) | 0
  return sum
}
