import { createSignal, Show } from 'solid-js'
import { Connection } from './Connection'
import { Load } from './Load'
import { Log } from './Log'
import { Machines } from './Machines'

export function App() {
  const [isShown, setShown] = createSignal(true)
  return (
    <main>
      <h1>tabstream with Solid</h1>
      <button type="button" onClick={() => setShown(!isShown())}>
        {isShown() ? 'Hide' : 'Show'}
      </button>
      <Show when={isShown()}>
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
      </Show>
    </main>
  )
}
