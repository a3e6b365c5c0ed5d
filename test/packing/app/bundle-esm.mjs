// The application as the entry of a bundle in ES modules: agents lie beside the bundle.
import { runApp } from './app.mjs'

await runApp((name) => new URL(`./${name}.mjs`, import.meta.url))
