import nodeResolve from '@rollup/plugin-node-resolve'

export default {
  input: {
    main: 'src/main.js',
    'tabstream-worker': 'tabstream/worker',
    'tabstream-websocket': 'tabstream/websocket-source',
  },
  output: { dir: 'public', format: 'es' },
  plugins: [nodeResolve()],
}
