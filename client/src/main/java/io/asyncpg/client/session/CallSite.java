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
    if (!ours || endsWith(origin, caller)) {
      return;
    }
    StackTraceElement[] both = Arrays.copyOf(origin, origin.length + caller.length);
    System.arraycopy(caller, 0, both, origin.length, caller.length);
    failure.setStackTrace(both);
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
