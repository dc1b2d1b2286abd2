/** Wrong usage, in words that say what to do instead. */
export class UsageError extends Error {
  override name = 'UsageError'
}

export const HELP = `Usage: tabstream test URL [options]

Tells whether a server of Server-Sent Events resumes after Last-Event-ID, and whether something between holds its events back.
It reads the stream, cuts the connection, connects again, and judges what comes by the code that tabstream has in browsers.

The request
  --method NAME          GET, or POST where there is a body
  --header 'NAME: VALUE' a request header; may be given again and again
  --cookie 'NAME=VALUE'  cookies, as the header Cookie has them; may be given again
  --body TEXT            the body; @FILE reads it from a file
  --last-event-id ID     the first request resumes after this ID
  --origin ORIGIN        tests CORS for pages of this origin, for instance https://app.example
  --preset NAME          mercure, mercure-1, nchan, ntfy, wikimedia or centrifugo: makes the URL for --topic
  --public-only          asks no address that is not public, wherever names and redirects lead
  --topic NAME           a topic for the preset; may be given again and again

How long
  --cut-after N          cuts the first connection after N events (5); 0 reads it as long as --duration
  --cut-on-enter         cuts the present connection whenever Enter is pressed, and makes the next
  --duration TIME        how long a connection is read at most (10s); 500ms, 30s and 2m are times

The result
  --json                 prints one JSON document, and nothing else
  --raw                  prints the bytes as they came as well, with the borders of the chunks
  --show-secrets         prints request headers, cookies, and parameters of URLs as they are, instead of ***
  --expect CONDITION     fails where it is not so; may be given again and again:
                           resumes            a page misses nothing after a lost connection
                           unbuffered         events come as they are sent
                           ids                the events have IDs
                           cors               pages of --origin may read the stream and resume it
                           heartbeat<=N       no silence is longer than N seconds, while the stream is read for --duration
                           events>=N          so many events come; also >, <, <= and =
                           event:NAME>=N      so many events of this name come
  --within TIME          by when the events must have come (--duration)
  --copy-as FORMAT       only prints the request: as curl, eventsource or connect

  --help, --version

Exit status: 0 if all is well, 1 if there is no stream or an expectation is not met, 2 if the command is wrong.
`
