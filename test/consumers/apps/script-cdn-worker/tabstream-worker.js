importScripts('https://cdn.example/tabstream/worker.js')
