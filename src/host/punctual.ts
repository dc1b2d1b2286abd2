import type { HubPlatform } from '../../worker/platform.ts'

interface Task {
  readonly at: number
  readonly run: () => void
  timer: unknown
}

/**
 * A platform whose timers can be helped along: those of a hidden page are throttled, in Chromium to one a minute after a
 * while, but messages reach it at any time.
 */
export function punctual<P extends HubPlatform>(platform: P): P & { runDue(): void } {
  const tasks = new Set<Task>()
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
      return task
    },
    clearTimeout,
    /** Runs what is late, the latest last. */
    runDue() {
      const now = platform.now()
      const due = [...tasks].filter(({ at }) => at < now).sort((one, other) => one.at - other.at)
      for (const task of due) if (tasks.has(task)) task.run()
    },
  }
}
