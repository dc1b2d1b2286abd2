import { budgetMutants } from './budget/defects.mjs'
import { centrifugoMutants } from './centrifugo/defects.mjs'
import { mutants } from './defects.mjs'
import { durableMutants } from './durable/defects.mjs'
import { lineMutants } from './lines/defects.mjs'
import { socketMutants } from './sockets/defects.mjs'
import { topicMutants } from './topics/defects.mjs'
import { userMutants } from './users/defects.mjs'

/** Every mutant that sim:mutants plays. @type {readonly import('./defects.mjs').Mutant[]} */
export const allMutants = [
  ...mutants,
  ...userMutants,
  ...budgetMutants,
  ...socketMutants,
  ...topicMutants,
  ...centrifugoMutants,
  ...durableMutants,
  ...lineMutants,
]
