package io.asyncpg.client;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import reactor.blockhound.BlockHound;

/**
 * In a JVM with {@code -Dasyncpg.test.blockhound=true -XX:+AllowRedefinitionToAddDeleteMethods} it
 * watches the shared event loops in every test class of this module, and fails the class in which
 * one was blocked. Not in every build: BlockHound changes the JDK's own classes.
 */
public final class NeverBlocked implements AfterAllCallback {
  private static final ConcurrentLinkedQueue<String> BLOCKED = new ConcurrentLinkedQueue<>();

  static {
    if (Boolean.getBoolean("asyncpg.test.blockhound")) {
      BlockHound.builder()
          .loadIntegrations()
          .nonBlockingThreadPredicate(
              known -> known.or(thread -> thread.getName().startsWith("asyncpg-loop-")))
          // /dev/urandom, which has always something to give.
          .allowBlockingCallsInside("io.asyncpg.protocol.ScramClient", "nonce")
          .blockingMethodCallback(method -> BLOCKED.add(trace(method.toString())))
          .install();
    }
  }

  /** Made by JUnit. */
  public NeverBlocked() {}

  private static String trace(String what) {
    StringWriter text = new StringWriter();
    new Throwable(Thread.currentThread().getName() + ": " + what)
        .printStackTrace(new PrintWriter(text, true));
    return text.toString();
  }

  @Override
  public void afterAll(ExtensionContext context) {
    List<String> blocked = new ArrayList<>();
    for (String one = BLOCKED.poll(); one != null; one = BLOCKED.poll()) {
      blocked.add(one);
    }
    if (!blocked.isEmpty()) {
      throw new AssertionError(
          "event loops were blocked "
              + blocked.size()
              + " times:\n"
              + String.join("\n", blocked.stream().distinct().limit(5).toList()));
    }
  }
}
