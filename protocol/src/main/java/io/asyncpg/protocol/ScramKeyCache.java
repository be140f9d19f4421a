package io.asyncpg.protocol;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.ByteBuffer;
import java.security.SecureRandom;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * {@link ScramKeys} that were made before, so that a pool of connections hashes its password once.
 * PostgreSQL keeps salt and iterations with the role, hence every connection of a role needs the
 * same keys. Passwords themselves are not kept: a keyed hash of each stands for it.
 *
 * <p>Any thread may use it. Those that want the same keys at the same time wait for the one that
 * makes them.
 */
public final class ScramKeyCache {
  private final int capacity;
  private final byte[] secret = new byte[ScramKeys.LENGTH];
  private final Map<ByteBuffer, CompletableFuture<ScramKeys>> entries;

  /**
   * Creates an empty one.
   *
   * @param capacity how many keys to keep, at least 1; those not used for longest go first
   * @throws IllegalArgumentException if {@code capacity} is not positive
   */
  public ScramKeyCache(int capacity) {
    if (capacity < 1) {
      throw new IllegalArgumentException("capacity: 1 or more wanted, " + capacity + " given");
    }
    this.capacity = capacity;
    this.entries = new LinkedHashMap<>(16, 0.75f, true);
    new SecureRandom().nextBytes(secret);
  }

  /**
   * The keys if they are there; never slow.
   *
   * @param password as the user typed it
   * @param salt as the server sent it
   * @param iterations as the server asks for
   * @return the keys, or null if {@link #keys} has to make them first
   */
  public @Nullable ScramKeys ready(String password, byte[] salt, int iterations) {
    ByteBuffer name = name(password, salt, iterations);
    CompletableFuture<ScramKeys> entry;
    synchronized (entries) {
      entry = entries.get(name);
    }
    return entry == null || !entry.isDone() || entry.isCompletedExceptionally()
        ? null
        : entry.join();
  }

  /**
   * The keys, made now if they are not there. Slow the first time: call it away from an event loop.
   *
   * @param password as the user typed it
   * @param salt as the server sent it
   * @param iterations as the server asks for, at least 1
   * @return the keys
   * @throws IllegalArgumentException if {@code iterations} is not positive
   */
  public ScramKeys keys(String password, byte[] salt, int iterations) {
    ByteBuffer name = name(password, salt, iterations);
    CompletableFuture<ScramKeys> mine = new CompletableFuture<>();
    CompletableFuture<ScramKeys> known;
    synchronized (entries) {
      known = entries.putIfAbsent(name, mine);
      if (entries.size() > capacity) {
        entries.remove(entries.keySet().iterator().next());
      }
    }
    if (known != null) {
      return known.join();
    }
    try {
      ScramKeys keys = ScramKeys.derive(password, salt, iterations);
      mine.complete(keys);
      return keys;
    } catch (RuntimeException | Error e) {
      forget(name, mine);
      mine.completeExceptionally(e);
      throw e;
    }
  }

  private void forget(ByteBuffer name, CompletableFuture<ScramKeys> entry) {
    synchronized (entries) {
      entries.remove(name, entry);
    }
  }

  /** A keyed hash of all three; the password's length keeps it apart from the salt. */
  private ByteBuffer name(String password, byte[] salt, int iterations) {
    byte[] text = password.getBytes(UTF_8);
    ByteBuffer all = ByteBuffer.allocate(8 + text.length + salt.length);
    all.putInt(iterations).putInt(text.length).put(text).put(salt);
    return ByteBuffer.wrap(ScramKeys.hmac(secret, all.array()));
  }

  /**
   * How many keys are kept, and nothing of them.
   *
   * @return such as {@code ScramKeyCache[3 of 64]}
   */
  @Override
  public String toString() {
    synchronized (entries) {
      return "ScramKeyCache[" + entries.size() + " of " + capacity + "]";
    }
  }
}
