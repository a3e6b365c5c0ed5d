// The application as the entry of a bundle in CommonJS: agents lie beside the bundle.
import { join } from 'node:path'
import { runApp } from './app.mjs'

runApp((name) => join(__dirname, `${name}.cjs`))
