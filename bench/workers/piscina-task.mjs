// What piscina runs per task.

export { answerTo as default } from '../payloads/question.mjs'
