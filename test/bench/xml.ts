// Is a text well-formed XML? Strict about what our own SVG writer may produce: elements, attributes
// in double quotes, the five entities of XML and numeric ones; no comments, no declarations.

const END = /<\/(?<end>[\w:-]+)>/
const START = /<(?<start>[\w:-]+)(?<attributes>(?:\s+[\w:-]+="[^"<]*")*)(?<empty>\/?)>/
const TOKEN = new RegExp(`${END.source}|${START.source}|(?<text>[^<]+)`, 'y')
const STRAY = /&(?!(?:amp|lt|gt|quot|apos|#\d+);)/
const FORBIDDEN = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u

/** What is wrong with the text, or null. */
export function complaintAbout(xml: string): string | null {
  if (FORBIDDEN.test(xml)) return 'holds a character that XML forbids'
  const stray = STRAY.exec(xml)
  if (stray !== null) return `holds a bare & at ${stray.index}`
  const open: string[] = []
  let roots = 0
  TOKEN.lastIndex = 0
  for (let at = 0; at < xml.length; at = TOKEN.lastIndex) {
    const groups = TOKEN.exec(xml)?.groups
    if (groups === undefined) return `cannot be read at ${at}: ${xml.slice(at, at + 40)}`
    const { start, end, attributes = '', empty, text } = groups
    if (text !== undefined && open.length === 0 && text.trim() !== '') return 'text outside'
    if (text?.includes(']]>')) return 'holds ]]> in text'
    if (end !== undefined && open.pop() !== end) return `</${end}> closes what is not open`
    if (start === undefined) continue
    const names = [...attributes.matchAll(/([\w:-]+)=/g)].map(([, name]) => name)
    if (new Set(names).size !== names.length) return `<${start}> has an attribute twice`
    if (open.length === 0 && ++roots > 1) return 'has two roots'
    if (empty === '') open.push(start)
  }
  if (open.length > 0) return `<${open.at(-1)}> is not closed`
  return roots === 1 ? null : 'has no root'
}
