export default {
  input: { main: 'src/main.js', 'tabstream-worker': 'tabstream/worker' },
  output: { dir: 'public', format: 'es' },
}
