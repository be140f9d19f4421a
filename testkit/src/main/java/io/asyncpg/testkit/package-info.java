/**
 * What the tests stand on: real servers ({@link io.asyncpg.testkit.TestServer}), scripted ones
 * ({@link io.asyncpg.testkit.ScriptedServer}) and bad networks ({@link
 * io.asyncpg.testkit.FaultyProxy}). It knows the wire protocol from PostgreSQL's manual alone and
 * nothing of the client, so that it can disagree with it. Never published.
 */
@NullMarked
package io.asyncpg.testkit;

import org.jspecify.annotations.NullMarked;
