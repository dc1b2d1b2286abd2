import { build, context } from 'esbuild'

const options = {
  entryPoints: {
    main: 'src/main.js',
    'tabstream-worker': 'tabstream/worker',
    'tabstream-websocket': 'tabstream/websocket-source',
  },
  bundle: true,
  format: 'esm',
  splitting: true,
  minify: true,
  outdir: 'public',
}

if (process.argv.includes('--serve')) {
  const app = await context(options)
  await app.serve({ servedir: 'public', port: Number(process.env.PORT) })
} else {
  await build(options)
}
