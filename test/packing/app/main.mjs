// The application as an ES module. `--addon` insists on the addon.
import { runApp } from './app.mjs'

const options = process.argv.includes('--addon') ? { addon: true } : {}
await runApp((name) => new URL(`./${name}.mjs`, import.meta.url), options)
