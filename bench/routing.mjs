// What does it cost a sender to find out who gets a message? `node bench/routing.mjs --help`
//
// Looking subjects up among very many subscriptions, choosing within queue groups, and publishing
// to many subscribers of one thread. Every measurement counts what it found, and stops when that is
// not what it has to be.

import { optionsOf, run } from './lib/command-line.mjs'
import { headOf, headText, writeRun } from './lib/run-file.mjs'
import { measureFanOut } from './routing/fan-out.mjs'
import { measureGroups } from './routing/groups.mjs'
import { measureLookup, SUBJECTS, SUBSCRIPTIONS } from './routing/lookup.mjs'

const HELP = `What does it cost a sender to find out who gets a message?

  node --expose-gc bench/routing.mjs           everything, about a minute
  node --expose-gc bench/routing.mjs --quick   coarser

  --quick       fewer rounds
  --json FILE   also write { node, commit, date, machine, rows }
  --help        this

Without --expose-gc the rows of memory are missing. The least is what the code costs; the median is
what it cost on this machine at this time.`

const FULL = { tables: 12, bursts: 200, batches: 200 }
const QUICK = { tables: 3, bursts: 30, batches: 20 }

await run(main)

async function main() {
  const given = optionsOf({ quick: 'flag', json: 'text', help: 'flag' })
  if (given.help) {
    console.log(HELP)
    return 0
  }
  const pace = given.quick ? QUICK : FULL
  const head = headOf()
  console.log(headText(head))
  const rows = []
  const tell = (row) => {
    rows.push(row)
    console.log(rowText(row))
  }
  const text = (count) => count.toLocaleString('en')
  const size = `${text(SUBSCRIPTIONS)} subscriptions, ${text(SUBJECTS)} subjects`
  for (const isMixed of [false, true]) {
    console.log(`\nlook-up: ${size}, ${isMixed ? 'a fifth with wildcards' : 'no wildcards'}`)
    for (const row of lookupRows(await measureLookup(isMixed, pace.tables))) tell(row)
  }
  console.log('\nqueue groups: a choice, by members')
  for (const { name, ns } of measureGroups(pace.batches)) tell({ name, unit: 'ns', ...ns })
  console.log('\nfan-out: a publish of 40 bytes at its sender, by subscribers of one thread')
  const { oneNs, manyNs, ratio } = await measureFanOut(pace.bursts)
  tell({ name: '1 subscriber', unit: 'ns', ...oneNs })
  tell({ name: '100 subscribers', unit: 'ns', ...manyNs })
  tell({ name: 'ratio, of pairs of bursts', unit: '×', median: ratio })
  writeRun('routing', { ...head, rows }, given)
  return 0
}

function lookupRows(found) {
  const { subscriptionBytes, routeBytes } = found
  return [
    { name: 'subscribe: an entry of the log', unit: 'ns', median: found.subscribeNs },
    { name: 'a thread reads the log: an entry', unit: 'ns', min: found.catchUpNs },
    { name: 'bytes of the log: an entry', unit: 'bytes', median: found.logEntryBytes },
    { name: 'cold: a subject for the first time', unit: 'ns', ...found.coldNs },
    { name: 'warm: known', unit: 'ns', ...found.warmNs },
    { name: '  of a Map alone', unit: 'ns', ...found.mapNs },
    { name: 'warm: known, a text made anew', unit: 'ns', ...found.warmCopyNs },
    { name: '  of a Map alone', unit: 'ns', ...found.mapCopyNs },
    { name: '  the difference, of pairs', unit: 'ns', median: found.beyondMapNs },
    { name: 'known, after a subscribe elsewhere', unit: 'ns', ...found.afterNs },
    { name: 'heap for a subscription', unit: 'bytes', median: subscriptionBytes },
    { name: 'heap for a route', unit: 'bytes', median: routeBytes },
  ].filter(({ median, min }) => !Number.isNaN(median ?? min))
}

function rowText({ name, unit, min, median }) {
  const text = (value) => (value === undefined ? '' : value.toFixed(unit === '×' ? 2 : 0))
  return `  ${name.padEnd(40)} ${text(min).padStart(8)} ${text(median).padStart(8)} ${unit}`
}
