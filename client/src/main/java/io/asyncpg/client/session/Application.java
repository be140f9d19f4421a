package io.asyncpg.client.session;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Calls what the application does with an answer, as code that is compiled by itself.
 *
 * <p>The JIT compiler inlines fifteen calls deep, and as many lie between the reader of the socket
 * and an application's loop over its rows, where all calls are to one class each: the depth was
 * spent just where it counts, and each row cost two calls and an object. A method handle that is no
 * constant is never inlined, so the application's code begins at depth zero.
 */
final class Application {
  // Not final, for that very reason.
  private static MethodHandle complete;
  private static MethodHandle run;

  static {
    MethodHandles.Lookup lookup = MethodHandles.lookup();
    try {
      complete =
          lookup.findStatic(
              Application.class,
              "completeNow",
              MethodType.methodType(void.class, CompletableFuture.class, Object.class));
      run =
          lookup.findStatic(
              Application.class, "runNow", MethodType.methodType(void.class, Runnable.class));
    } catch (ReflectiveOperationException impossible) {
      throw new ExceptionInInitializerError(impossible);
    }
  }

  private Application() {}

  /** Completes a future, and runs what is attached to it. */
  static void complete(CompletableFuture<?> future, @Nullable Object result) {
    try {
      complete.invokeExact(future, result);
    } catch (RuntimeException | Error odd) {
      throw odd;
    } catch (Throwable impossible) {
      throw new AssertionError(impossible);
    }
  }

  static void run(Runnable task) {
    try {
      run.invokeExact(task);
    } catch (RuntimeException | Error theirs) {
      throw theirs;
    } catch (Throwable impossible) {
      throw new AssertionError(impossible);
    }
  }

  @SuppressWarnings({"unchecked", "UnusedMethod"}) // through a handle; its caller knows the type
  private static void completeNow(CompletableFuture<?> future, @Nullable Object result) {
    ((CompletableFuture<@Nullable Object>) future).complete(result);
  }

  @SuppressWarnings("UnusedMethod") // through a handle
  private static void runNow(Runnable task) {
    task.run();
  }
}
