import { provideSources } from 'tabstream/source'
import 'tabstream/worker'
import { graphql } from './graphql-source.js'

provideSources({ graphql })
