import { useState } from 'react'
import { Connection } from './Connection'
import { Load } from './Load'
import { Log } from './Log'
import { Machines } from './Machines'

export function App() {
  const [isShown, setShown] = useState(true)
  return (
    <main>
      <h1>tabstream with React</h1>
      <button type="button" onClick={() => setShown(!isShown)}>
        {isShown ? 'Hide' : 'Show'}
      </button>
      {isShown && (
        <>
          <section id="status">
            <Connection />
          </section>
          <section id="load">
            <Load />
          </section>
          <section id="machines">
            <Machines />
          </section>
          <section id="log">
            <Log />
          </section>
        </>
      )}
    </main>
  )
}
