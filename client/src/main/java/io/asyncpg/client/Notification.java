package io.asyncpg.client;

/**
 * What somebody said with NOTIFY.
 *
 * @param processId the server process of the session that said it
 * @param channel the channel
 * @param payload what was said; empty when nothing was
 */
public record Notification(int processId, String channel, String payload) {}
