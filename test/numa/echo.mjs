// Answers with as many bytes as it is asked for, and tells on which CPUs the kernel lets it run.

import { readFileSync } from 'node:fs'
import { defineAgent, on } from 'flyshuttle'

export default defineAgent({
  name: 'echo',
  handle: [
    on('echo.bytes', ({ back }) => new Uint8Array(back).fill(1)),
    on('echo.cpus', () => {
      const status = readFileSync('/proc/thread-self/status', 'utf8')
      return /^Cpus_allowed_list:\s*(\S+)/m.exec(status)[1]
    }),
  ],
})
