export * from 'https://cdn.example/tabstream/websocket-source.js'
