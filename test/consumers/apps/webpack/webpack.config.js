export default {
  entry: './src/main.js',
  output: { clean: true },
}
