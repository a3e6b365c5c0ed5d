// How many messages do many threads exchange in a second? Who sends to whom is drawn in
// `lib/mesh.mjs`; `options` say which shape and how many threads. The main thread conducts and
// sleeps.

/** @type {import('../lib/scenarios.mjs').Scenario} */
export default {
  name: 'mesh',
  title: 'many threads',
  question: 'a struct of 40 bytes, from many threads to many',
  unit: 'messages/s',
  baselines: ['postMessage'],
  contenders: {
    flyshuttle: async ({ shape, nodes, ...options }) => {
      const { mesh } = await import('../contenders/flyshuttle-mesh.mjs')
      return mesh({ shape, nodes, addon: true }, options)
    },
    'flyshuttle-js': async ({ shape, nodes, ...options }) => {
      const { mesh } = await import('../contenders/flyshuttle-mesh.mjs')
      return mesh({ shape, nodes, addon: false }, options)
    },
    postMessage: async ({ shape, nodes, ...options }) => {
      const { mesh } = await import('../contenders/post-message-mesh.mjs')
      return mesh({ shape, nodes }, options)
    },
  },
}
