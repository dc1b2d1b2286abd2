/**
 * The longest task of a page's main thread while `work` goes on, in ms: on the clock, and of the processor. Where several programs share
 * the processors, a task can last long and do little.
 *
 * @param {import('playwright').Page} page
 * @param {() => Promise<void>} work
 * @returns {Promise<{ lasts: number, works: number }>}
 */
export async function longestTask(page, work) {
  const session = await page.context().newCDPSession(page)
  const events = []
  session.on('Tracing.dataCollected', ({ value }) => events.push(...value))
  const ended = new Promise((resolve) => session.once('Tracing.tracingComplete', resolve))
  await session.send('Tracing.start', {
    traceConfig: { includedCategories: ['disabled-by-default-devtools.timeline', 'blink.user_timing'] },
    transferMode: 'ReportEvents',
  })
  await page.evaluate(() => performance.mark('tabstream-bench'))
  await work()
  await session.send('Tracing.end')
  await ended
  await session.detach()
  const mark = events.find(({ name }) => name === 'tabstream-bench')
  const tasks = events.filter(
    ({ name, pid, tid }) => name === 'RunTask' && pid === mark?.pid && tid === mark.tid,
  )
  if (tasks.length === 0) throw new Error('Chromium has traced no task of the page.')
  const longest = (key) => Math.max(...tasks.map((task) => task[key])) / 1_000
  return { lasts: longest('dur'), works: longest('tdur') }
}
