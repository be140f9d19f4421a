package io.asyncpg.client.session;

import io.asyncpg.error.PgException;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Where a call was made, kept until it is known whether it fails. Its frames are made then: while
 * all goes well it costs a walk of the stack and no more.
 */
final class CallSite extends Throwable {
  private static final long serialVersionUID = 1L;
  private static final String OWN = CallSite.class.getPackageName() + ".";

  private CallSite() {
    super(null, null, false, true);
  }

  /** The stack as it is now; null where the configuration does not want it. */
  static @Nullable CallSite here(Session session) {
    return session.config().captureCallSite() ? new CallSite() : null;
  }

  /** Puts the caller's frames below those of a failure of ours, if they are not there already. */
  void addTo(Throwable failure) {
    StackTraceElement[] origin = failure.getStackTrace();
    boolean ours =
        failure instanceof PgException
            || (origin.length > 0 && origin[0].getClassName().startsWith(OWN));
    StackTraceElement[] caller = callersFrames();
    int own = belowTheLoop(origin);
    if (!ours || (own == origin.length && endsWith(origin, caller))) {
      return;
    }
    StackTraceElement[] both = Arrays.copyOf(origin, own + caller.length);
    System.arraycopy(caller, 0, both, own, caller.length);
    failure.setStackTrace(both);
  }

  /** How many frames there are without those of a thread that drove the loop while it waited. */
  private static int belowTheLoop(StackTraceElement[] origin) {
    for (int i = 0; i < origin.length; i++) {
      if (origin[i].getClassName().equals(LendingLoop.class.getName())) {
        return i;
      }
    }
    return origin.length;
  }

  private StackTraceElement[] callersFrames() {
    StackTraceElement[] all = getStackTrace();
    int own = 0;
    while (own < all.length && all[own].getClassName().startsWith(OWN)) {
      own++;
    }
    return Arrays.copyOfRange(all, own, all.length);
  }

  private static boolean endsWith(StackTraceElement[] origin, StackTraceElement[] caller) {
    int before = origin.length - caller.length;
    return before >= 0 && Arrays.equals(origin, before, origin.length, caller, 0, caller.length);
  }
}
