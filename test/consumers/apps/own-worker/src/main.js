const worker = new Worker(new URL('./own-worker.js', import.meta.url), { type: 'module' })

let answer
worker.addEventListener('message', ({ data }) => {
  if ('count' in data) document.querySelector('#latest').textContent = data.count
  else answer(data.report)
})

// What the test asks each tab.
globalThis.inspectTabstream = () =>
  new Promise((resolve) => {
    answer = resolve
    worker.postMessage('inspect')
  })
