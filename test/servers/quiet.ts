import { expect, type TestContext } from 'vitest'
import type { Tab } from '../browser/browser.ts'
import { connect } from '../browser/connected.ts'
import type { Stage } from '../browser/stage.ts'
import { serveByTabstream } from './tabstream-server.ts'
import { Trial } from './trial.ts'

/** A proxy at this origin cuts a stream on which nothing comes for a second; each tab goes on without a loss. */
export async function expectCutsWhereQuiet(context: TestContext, set: Stage, origin: string): Promise<void> {
  const channel = set.server.channel('busy')
  const trial = await Trial.begin(context, set, { origin })
  for (let connections = 2; connections <= 4; connections++) {
    await channel.until(() => channel.totalConnections === connections, `connection ${connections}`)
    trial.feed.send('tick')
  }
  await trial.conclude()
}

/** Such a proxy leaves a stream alone that brings heartbeats, while it cuts another twice. */
export async function expectHeartbeatsToHold(
  context: TestContext,
  set: Stage,
  origin: string,
): Promise<void> {
  const trial = await Trial.begin(context, set, { origin, sender: serveByTabstream(set, 200) })
  const other = set.server.channel('quiet')
  await connect(trial.tabs[0] as Tab, '/events/quiet')
  await other.until(() => other.totalConnections === 3, 'that the other stream is cut')
  await trial.conclude()
  expect(set.server.journal.filter((entry) => entry === 'GET /events/busy')).toHaveLength(1)
}
