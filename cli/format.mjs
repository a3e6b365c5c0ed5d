// A diagnosis as text for people: aligned, in the order in which one would ask. Pure.

const MARKS = { ok: ['✓', 32], absent: ['–', 33], broken: ['✗', 31] }
const LABEL_COLUMNS = 14

/**
 * @param {import('flyshuttle').Diagnosis} diagnosis
 * @param {boolean} hasColors
 */
export function formatDiagnosis(diagnosis, hasColors) {
  const paint = (code, text) => (hasColors ? `\x1b[${code}m${text}\x1b[0m` : text)
  const heading = (text) => ['', paint(1, text)]
  const row = (label, text) => `    ${label.padEnd(LABEL_COLUMNS)}${text}`
  const { version, node, platform, kernel, findings, workers } = diagnosis
  const hints = findings.flatMap(({ name, hint }) => (hint === null ? [] : [row(name, hint)]))
  return [
    paint(1, `Flyshuttle ${version}`) + `  Node ${node}, ${platform}, kernel ${kernel}`,
    ...heading('Machine'),
    ...machineRows(diagnosis).map(([label, text]) => row(label, text)),
    ...heading('Engine'),
    ...findings.map(({ name, status, found }) => {
      const [mark, color] = MARKS[status]
      return `  ${paint(color, mark)} ${name.padEnd(LABEL_COLUMNS)}${found}`
    }),
    ...heading(`Placement of ${count(workers, 'worker')} (worker → CPUs)`),
    ...placementRows(diagnosis).map(([mode, text]) => row(mode, text)),
    ...(hints.length === 0 ? [] : [...heading('To change'), ...hints]),
  ].join('\n')
}

function machineRows({ processor, hasAes, topology, usableCores, ...memory }) {
  const { cpus, offline, allowed, quota, cpuset, nodes } = topology
  const ids = (list) => formatList(list.map(({ id }) => id))
  const groups = (key) => [...groupBy(cpus, key).values()]
  const slow = cpus.filter(({ isSlow }) => isSlow)
  const parts = [
    count(groups('core').length, 'core'),
    count(groups('package').length, 'package'),
    ...(slow.length > 0 ? [`slow ones ${ids(slow)}`] : []),
    ...(offline.length > 0 ? [`offline ${formatList(offline)}`] : []),
  ]
  return [
    ['processor', processor],
    ['CPUs', `${ids(cpus)}: ${parts.join(', ')}`],
    ['caches', groups('cache').map(ids).join(' | ')],
    ...nodes.map(({ id, cpus: own, distances }) => [
      `node ${id}`,
      `${own.length === 0 ? 'memory alone' : formatList(own)}, distances ${distances.join(' ')}`,
    ]),
    ['allowed', formatList(allowed) + (cpuset === null ? '' : `, CPU set ${formatList(cpuset)}`)],
    ['quota', quota === null ? 'none' : `${quota} CPUs of time`],
    ['to keep busy', count(usableCores, 'CPU')],
    ['memory', memoryText(memory)],
    ['open files', memory.filesMax === null ? 'unknown' : `at most ${memory.filesMax}`],
    ['AES', hasAes === null ? 'unknown' : hasAes ? 'in the processor' : 'in software'],
  ]
}

function memoryText({ memoryBytes, memoryLimitBytes }) {
  const gibibytes = (bytes) => `${(bytes / 2 ** 30).toFixed(1)} GiB`
  if (memoryLimitBytes === null) return `${gibibytes(memoryBytes)}, no limit`
  return `${gibibytes(memoryLimitBytes)} of ${gibibytes(memoryBytes)}`
}

function placementRows({ capabilities, plans }) {
  // What would be planned is of no use then.
  if (!capabilities?.placement) return [['any', 'threads cannot be pinned here']]
  return Object.entries(plans).map(([mode, plan]) => [mode, planText(plan)])
}

function planText({ slots, reason }) {
  if (reason !== null) return `threads are left alone: ${reason}`
  return slots
    .slice(1)
    .map(({ cpus }, index) => `${index + 1} → ${cpus === null ? 'any' : formatList(cpus)}`)
    .join(', ')
}

function count(number, noun) {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}

function formatList(numbers) {
  const ranges = []
  for (const number of [...numbers].sort((a, b) => a - b)) {
    const last = ranges.at(-1)
    if (last !== undefined && last[1] === number - 1) last[1] = number
    else ranges.push([number, number])
  }
  return ranges.map(([a, b]) => (a === b ? `${a}` : `${a}-${b}`)).join(',') || 'none'
}

function groupBy(items, key) {
  const groups = new Map()
  for (const item of items) groups.set(item[key], [...(groups.get(item[key]) ?? []), item])
  return groups
}
