import { join } from 'node:path'
import {
  AngularNodeAppEngine,
  createNodeRequestHandler,
  isMainModule,
  writeResponseToNodeResponse,
} from '@angular/ssr/node'
import express from 'express'

const app = express()
const engine = new AngularNodeAppEngine()

app.use(express.static(join(import.meta.dirname, '../browser'), { index: false, redirect: false }))

app.use(async (request, response, next) => {
  const answer = await engine.handle(request)
  if (answer) await writeResponseToNodeResponse(answer, response)
  else next()
})

if (isMainModule(import.meta.url)) app.listen(Number(process.env.PORT))

/** What `ng serve` and the build ask. */
export const reqHandler = createNodeRequestHandler(app)
