package io.asyncpg.testkit;

import io.netty.util.ResourceLeakDetector;
import io.netty.util.ResourceLeakDetectorFactory;
import io.netty.util.ResourceLeakTracker;
import java.lang.ref.PhantomReference;
import java.lang.ref.Reference;
import java.lang.ref.ReferenceQueue;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Fails a test class that leaves something behind: a Netty buffer nobody released, a thread of ours
 * that does not end, a session on the shared server. It is at work in every module that has the
 * test kit on its class path; nobody need ask for it.
 *
 * <p>Ours are the threads named {@code asyncpg-…}, but for the shared event loops ({@code
 * asyncpg-loop-…}), and those of {@link ScriptedServer} and {@link FaultyProxy}. Sessions of the
 * application {@code testkit}, the witnesses of {@link TestServer}, may stay. Each leak is told
 * once, by the class after which it was seen.
 */
public final class NoLeaks implements AfterAllCallback {
  private static final Duration PATIENCE = Duration.ofSeconds(10);
  private static final List<String> OUR_THREADS =
      List.of("asyncpg-", "scripted-server-", "faulty-proxy-");
  private static final String SHARED_LOOPS = "asyncpg-loop-";

  private static final List<ResourceLeakDetector<?>> detectors = new CopyOnWriteArrayList<>();
  private static final List<String> leakedBuffers = new CopyOnWriteArrayList<>();
  private static final Set<Object> told = ConcurrentHashMap.newKeySet();

  static {
    // Before the first buffer: Netty's classes ask for their detectors when they are initialised.
    ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.PARANOID);
    ResourceLeakDetectorFactory.setResourceLeakDetectorFactory(new Detectors());
  }

  /** Made by JUnit. */
  public NoLeaks() {}

  @Override
  public void afterAll(ExtensionContext context) {
    if (context.getRequiredTestClass().getEnclosingClass() != null) return; // its outer class tells
    check(PATIENCE);
  }

  /** Fails with a list of what is left behind. Threads and sessions have this long to end. */
  static void check(Duration patience) {
    List<String> leaks = new ArrayList<>();
    leaks.addAll(buffers());
    leaks.addAll(threads(patience));
    leaks.addAll(sessions(patience));
    if (!leaks.isEmpty()) {
      throw new AssertionError("left behind:\n" + String.join("\n", leaks));
    }
  }

  private static List<String> buffers() {
    if (!detectors.isEmpty()) {
      collectGarbage();
      detectors.forEach(NoLeaks::poll);
    }
    List<String> leaks = List.copyOf(leakedBuffers);
    leakedBuffers.removeAll(leaks);
    return leaks;
  }

  /**
   * Returns when what was unreachable at the call has been enqueued. References found by one
   * collection are enqueued in no order, but before those of the next: hence two.
   */
  private static void collectGarbage() {
    for (int collection = 0; collection < 2; collection++) {
      ReferenceQueue<Object> queue = new ReferenceQueue<>();
      PhantomReference<Object> last = new PhantomReference<>(new Object(), queue);
      try {
        boolean found = false;
        for (int attempt = 0; attempt < 50 && !found; attempt++) {
          System.gc();
          found = queue.remove(100) != null;
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      } finally {
        Reference.reachabilityFence(last);
      }
    }
  }

  /** A detector looks at its queue when it is given something new to track. */
  private static <T> void poll(ResourceLeakDetector<T> detector) {
    @SuppressWarnings("unchecked") // It keeps no more than the identity.
    T probe = (T) new Object();
    ResourceLeakTracker<T> tracker = detector.track(probe);
    if (tracker != null) tracker.close(probe);
  }

  private static List<String> threads(Duration patience) {
    List<String> leaks = new ArrayList<>();
    long deadline = System.nanoTime() + patience.toNanos();
    for (Thread thread : Thread.getAllStackTraces().keySet()) {
      String name = thread.getName();
      if (OUR_THREADS.stream().noneMatch(name::startsWith)
          || name.startsWith(SHARED_LOOPS)
          || told.contains(thread)) {
        continue;
      }
      try {
        long left = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
        thread.join(Math.max(1, left));
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      if (thread.isAlive()) {
        told.add(thread);
        StringBuilder leak = new StringBuilder("thread " + name);
        for (StackTraceElement frame : thread.getStackTrace()) {
          leak.append("\n    at ").append(frame);
        }
        leaks.add(leak.toString());
      }
    }
    return leaks;
  }

  private static List<String> sessions(Duration patience) {
    TestServer server = TestServer.sharedIfOurs();
    if (server == null) return List.of();
    long deadline = System.nanoTime() + patience.toNanos();
    while (true) {
      List<String> leaks = new ArrayList<>();
      for (List<String> session : server.foreignSessions()) {
        if (!told.contains("pid " + session.get(0))) leaks.add("session " + session);
      }
      if (leaks.isEmpty()) return leaks;
      if (System.nanoTime() > deadline) {
        for (List<String> session : server.foreignSessions()) told.add("pid " + session.get(0));
        return leaks;
      }
      Thread.onSpinWait();
    }
  }

  private static final class Detectors extends ResourceLeakDetectorFactory {
    @Override
    @SuppressWarnings("deprecation") // But abstract.
    public <T> ResourceLeakDetector<T> newResourceLeakDetector(
        Class<T> resource, int samplingInterval, long maxActive) {
      return newResourceLeakDetector(resource, samplingInterval);
    }

    @Override
    public <T> ResourceLeakDetector<T> newResourceLeakDetector(
        Class<T> resource, int samplingInterval) {
      ResourceLeakDetector<T> detector = new Detector<>(resource, samplingInterval);
      detectors.add(detector);
      return detector;
    }
  }

  private static final class Detector<T> extends ResourceLeakDetector<T> {
    Detector(Class<T> resource, int samplingInterval) {
      super(resource, samplingInterval);
    }

    @Override
    protected boolean needReport() {
      return true;
    }

    @Override
    protected void reportTracedLeak(String resourceType, String records) {
      leakedBuffers.add(resourceType + " not released" + records);
    }

    @Override
    protected void reportUntracedLeak(String resourceType) {
      leakedBuffers.add(resourceType + " not released");
    }
  }
}
