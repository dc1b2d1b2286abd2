// What a page and the hub's source for topics say to each other. The hub only passes it on.

/** Where a URL has its topics, if they are not in a parameter. */
export const PLACEHOLDER = '{topics}'

/** How a server of many topics is spoken to. Pointers are JSON Pointers (RFC 6901) into the data of an event. */
export interface Engine {
  /** What is spoken, where a server has a protocol of its own. Then only `token` and `gaps` say more. */
  readonly protocol?: 'centrifugo' | undefined
  /** Name of the request's header, in lower case, whose value is the client's token in this protocol. */
  readonly token?: string | undefined
  /** Parameter of the URL that names topics, where the URL has no `{topics}`. @default 'topic' */
  readonly parameter?: string | undefined
  /** What stands between topics. Without it, the parameter is repeated, and `,` stands between those of a path. */
  readonly separator?: string | undefined
  /** Where an event says which topic it is of: a pointer, or `'event'` for its name. Needed as soon as there are two topics. */
  readonly topic?: string | undefined
  /** Where an event has its ID, if that is not a line of its own. */
  readonly id?: string | undefined
  /** Where an event has what listeners are given, if that is not all its data. */
  readonly data?: string | undefined
  /** Parameter of the URL that says after which ID to resume. @default the header `Last-Event-ID` */
  readonly resume?: string | undefined
  /**
   * IDs hold a position in each topic, and so are others for other topics: those of django-eventstream, or of Nchan, which say the topic of
   * an event, too; or of KafkaSSE, where `id` says what else names an event.
   */
  readonly positions?: 'eventstream' | 'nchan' | 'kafka' | undefined
  /** Names of events that only show that the server is there. */
  readonly heartbeats?: readonly string[] | undefined
  /** Names of events that say that history is gone. */
  readonly gaps?: readonly string[] | undefined
  /** Names of events that say that the connection has failed. */
  readonly errors?: readonly string[] | undefined
}

/** A page asks to be told when the server is asked for this topic. The answer is `true`. */
export interface TopicQuestion {
  readonly topic: string
}
