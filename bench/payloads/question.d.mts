// The types of question and answer, for the tests that are written in TypeScript.

export interface Question {
  id: number
  a: number
  b: number
}

export interface Answer {
  id: number
  sum: number
}

export function questionAt(id: number): Question
export function answerTo(question: Question): Answer
export function foldAnswer(sum: number, answer: Answer): number
export function expectedAnswerSum(first: number, count: number): number
