package redisstore

import "github.com/redis/go-redis/v9"

// Each script may be run twice with the same arguments, when an answer was lost, and then says again what it said. Generations
// are compared as text: Lua's numbers are exact up to 2^53 only. PUBLISH is called by pcall, because a user who may not publish
// shall not fail: the others then wait by the clock.

// leaseScript gives the news, the turn, or how long the present holder's lease still lasts.
// KEYS: record, lease. ARGV: seen generation, lease value, milliseconds.
var leaseScript = script(`
local r = redis.call('HMGET', KEYS[1], 'g', 'd')
local g = r[1] or '0'
if g ~= '0' and g ~= ARGV[1] then return {'news', g, r[2] or ''} end
if redis.call('SET', KEYS[2], ARGV[2], 'NX', 'PX', ARGV[3]) or redis.call('GET', KEYS[2]) == ARGV[2] then
  return {'turn', g, r[2] or ''}
end
return {'wait', tostring(redis.call('PTTL', KEYS[2])), ''}`)

// extendScript makes a lease last, unless it is somebody else's or gone. KEYS: lease. ARGV: value, milliseconds.
var extendScript = script(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1`)

// releaseScript gives a lease back and tells who waits. KEYS: lease. ARGV: value, channel, message.
var releaseScript = script(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
redis.pcall('PUBLISH', ARGV[2], ARGV[3])
return 1`)

// saveScript replaces the record of one generation by another and tells everybody.
// KEYS: record. ARGV: previous generation, generation, data, name, milliseconds to keep it (0: for ever), the save's own mark, channel,
// message.
var saveScript = script(`
local r = redis.call('HMGET', KEYS[1], 'g', 's')
if (r[1] or '0') ~= ARGV[1] then
  if r[2] == ARGV[6] then return 1 end
  return 0
end
redis.call('HSET', KEYS[1], 'g', ARGV[2], 'd', ARGV[3], 'n', ARGV[4], 's', ARGV[6])
if ARGV[5] == '0' then redis.call('PERSIST', KEYS[1]) else redis.call('PEXPIRE', KEYS[1], ARGV[5]) end
redis.pcall('PUBLISH', ARGV[7], ARGV[8])
return 1`)

// script is a constructor's shorthand: a *redis.Script holds nothing but its text and hash.
func script(text string) *redis.Script { return redis.NewScript(text) }
