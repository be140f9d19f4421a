package io.asyncpg.testkit;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import reactor.blockhound.BlockHound;

/**
 * In a JVM with {@code -Dasyncpg.test.blockhound=true -XX:+AllowRedefinitionToAddDeleteMethods} it
 * watches the shared event loops in every test class, and fails the class in which one was blocked.
 * Not in every JVM: BlockHound changes the JDK's own classes.
 */
public final class NeverBlocked implements AfterAllCallback {
  private static final String LOCK = ReentrantLock.class.getName();
  private static final String LENDING_LOOP = "io.asyncpg.client.session.LendingLoop";

  private static final ConcurrentLinkedQueue<String> BLOCKED = new ConcurrentLinkedQueue<>();

  static {
    if (Boolean.getBoolean("asyncpg.test.blockhound")) {
      watch(BLOCKED::add);
    }
  }

  /** Made by JUnit. */
  public NeverBlocked() {}

  /**
   * Watches the event loops of this JVM from now on, whoever drives them: their own threads, and
   * those to which they are lent. Must be called once at most.
   *
   * @param tell told of each call that blocked one: the thread, the method and the stack; on that
   *     thread, which goes on to block
   */
  public static void watch(Consumer<String> tell) {
    Predicate<Thread> driving = driving();
    BlockHound.builder()
        .loadIntegrations()
        // Asked at each call, as a loop changes hands.
        .dynamicThreadPredicate(known -> thread -> true)
        .nonBlockingThreadPredicate(
            known -> known.or(thread -> thread.getName().startsWith("asyncpg-loop-")).or(driving))
        // The thread of a loop that is lent does nothing but sleep.
        .allowBlockingCallsInside(LENDING_LOOP, "sleep")
        // Whoever has just been given it is woken at once.
        .allowBlockingCallsInside(LENDING_LOOP, "becomesTenant")
        // /dev/urandom, which has always something to give: for SCRAM, and when TLS is made ready.
        .allowBlockingCallsInside("io.asyncpg.protocol.ScramClient", "nonce")
        .allowBlockingCallsInside("sun.security.provider.NativePRNG$RandomIO", "ensureBufferValid")
        // A test's own orTimeout and delayedExecutor: the queue of the JDK's timer has a lock.
        .allowBlockingCallsInside("java.util.concurrent.CompletableFuture$Canceller", "accept")
        .allowBlockingCallsInside(
            "java.util.concurrent.CompletableFuture$DelayedExecutor", "execute")
        .blockingMethodCallback(
            method -> {
              if (!isForThePoolsLock()) {
                tell.accept(trace(method.toString()));
              }
            })
        .install();
  }

  /** Held while the pool changes its books, and never while it calls out. */
  private static boolean isForThePoolsLock() {
    return StackWalker.getInstance()
        .walk(
            frames -> {
              Iterator<StackWalker.StackFrame> up =
                  frames
                      .dropWhile(frame -> !frame.getClassName().equals(LOCK))
                      .dropWhile(frame -> frame.getClassName().equals(LOCK))
                      .iterator();
              return up.hasNext() && up.next().getClassName().equals("io.asyncpg.pool.Pool");
            });
  }

  /** Whether the current thread has a loop of the client's lent to it, and drives it. */
  private static Predicate<Thread> driving() {
    MethodHandle isDriving;
    try {
      Class<?> loop = Class.forName(LENDING_LOOP);
      isDriving =
          MethodHandles.privateLookupIn(loop, MethodHandles.lookup())
              .findStatic(loop, "isDriving", MethodType.methodType(boolean.class));
    } catch (ClassNotFoundException noClient) {
      return thread -> false;
    } catch (ReflectiveOperationException renamed) {
      throw new LinkageError("nobody can tell who drives a loop that is lent", renamed);
    }
    return thread -> {
      try {
        return (boolean) isDriving.invokeExact();
      } catch (Throwable impossible) {
        throw new AssertionError(impossible);
      }
    };
  }

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
