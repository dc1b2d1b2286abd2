import { onTestFinished } from 'vitest'
import type { Stage } from '../browser/stage.ts'
import { RedisServer } from '../unit/server/redis-server.ts'
import { Nginx } from './nginx.ts'

/** Two nodes of nginx with Nchan that share a Redis, and nginx before them: it asks the second node when the first is gone. */
export async function startCluster({ server }: Stage) {
  const redis = await RedisServer.start()
  onTestFinished(() => redis.close())
  const node = () =>
    Nginx.start({
      main: 'load_module /usr/lib/nginx/modules/ngx_nchan_module.so;',
      http: `upstream redis { nchan_redis_server ${redis.url}; }`,
      server: `nchan_message_buffer_length 10000;
      location ~ ^/publish/(\\w+)$ { nchan_redis_pass redis; nchan_publisher; nchan_channel_id $1; }
      location ~ ^/events/([\\w,]+)$ {
        nchan_redis_pass redis; nchan_subscriber eventsource; nchan_channel_id $1; nchan_channel_id_split_delimiter ",";
        nchan_subscriber_first_message newest;
      }`,
    })
  const [first, second] = [await node(), await node()]
  const front = await Nginx.start({
    http: `upstream nodes { server 127.0.0.1:${first.port} fail_timeout=1s; server 127.0.0.1:${second.port} backup; }`,
    server: `location / { proxy_pass ${server.origin}; }
    location /events/ { proxy_pass http://nodes; proxy_buffering off; proxy_http_version 1.1; }`,
  })
  return { first, second, front }
}
