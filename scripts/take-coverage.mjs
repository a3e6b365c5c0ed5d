// Has each test file's process write what it has counted: vitest does not let it end by itself.

import { takeCoverage } from 'node:v8'
import { afterAll } from 'vitest'

afterAll(() => takeCoverage())
