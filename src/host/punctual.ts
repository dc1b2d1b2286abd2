import type { PagePlatform } from './platform.ts'

interface Task {
  readonly at: number
  readonly run: () => void
  timer: unknown
}

/**
 * A hidden page's timer takes at least 1 s. For delays up to this many ms, staying awake is worth its cost.
 */
const SHORT = 100

export interface Punctual {
  /** Runs all overdue timers, the most overdue first. */
  runDue(): void
}

/**
 * A platform whose overdue timers can be run when a message arrives. Browsers throttle the timers of a hidden
 * page (Chromium, after a while, to one a minute), but deliver messages at any time, also the page's own.
 */
export function punctual<World extends PagePlatform>(platform: World): World & Punctual {
  const tasks = new Set<Task>()
  const runDue = () => {
    const now = platform.now()
    const due = [...tasks].filter(({ at }) => at < now).sort((one, other) => one.at - other.at)
    for (const task of due) if (tasks.has(task)) task.run()
  }
  const stayAwake = (task: Task) => {
    const { port1, port2 } = platform.createChannel()
    port1.addEventListener('message', () => {
      runDue()
      if (tasks.has(task)) port2.postMessage(null)
      else port1.close()
    })
    port1.start?.()
    port2.postMessage(null)
  }
  const clearTimeout = (task: unknown) => {
    if (tasks.delete(task as Task)) platform.clearTimeout((task as Task).timer)
  }
  return {
    ...platform,
    setTimeout(callback, milliseconds) {
      const run = () => {
        clearTimeout(task)
        callback()
      }
      const task: Task = { at: platform.now() + milliseconds, run, timer: undefined }
      task.timer = platform.setTimeout(run, milliseconds)
      tasks.add(task)
      if (milliseconds <= SHORT && !platform.isVisible()) stayAwake(task)
      return task
    },
    clearTimeout,
    runDue,
  }
}
