package io.asyncpg.client.session;

import io.netty.channel.Channel;
import io.netty.channel.ChannelException;
import io.netty.channel.ChannelOption;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.unix.IntegerUnixChannelOption;
import java.util.concurrent.TimeUnit;

/**
 * How many bytes have to be there before the event loop is woken for them. The server sends 8 KB at
 * a time, and a loop that is faster than the server would be woken for each. In the middle of a
 * long answer it is woken for six of them together, and for several answers where many are to come.
 *
 * <p>The last 16 KB of an answer, and the last of many answers, are never waited for together. What
 * comes before them is certain, as the rest of a long message is, or it is likely; what is likely
 * may not come, and is not waited for longer than two moments.
 *
 * <p>For TCP with epoll; anywhere else it does nothing. Confined to the event loop.
 */
final class LowWaterMark {
  /** Linux's, of socket(7); Netty has no name for it. */
  static final ChannelOption<Integer> SO_RCVLOWAT =
      new IntegerUnixChannelOption("SO_RCVLOWAT", 1, 18);

  /** Less than is read at once: a read that fills its buffer is followed by another. */
  static final int HIGHEST = 48 * 1024;

  /** Never waited for together; TLS may have as much of it in half a record. */
  static final int LAST = 16 * 1024;

  /** It is not raised for less. */
  private static final int WORTHWHILE = 2 * LAST;

  private static final int STEP = 64;

  /** Nothing comes from one look to the next: the mark was too high. */
  private static final long MOMENT_MILLIS = 2;

  private final Channel channel;
  private final Runnable slow;
  private final Runnable look = this::look;
  private boolean isPossible;
  private int mark = 1;
  private boolean isRaisedByGuess;
  private boolean isLookedAfter;
  private long reads;
  private long readsBefore;

  /**
   * Creates it for a socket that wakes the loop for every byte.
   *
   * @param slow run when what was likely to come has not come
   */
  LowWaterMark(Channel channel, Runnable slow) {
    this.channel = channel;
    this.slow = slow;
    this.isPossible =
        EventLoops.Transport.EPOLL.isAvailable() && channel instanceof EpollSocketChannel;
  }

  /**
   * Called at the end of each read.
   *
   * @param certain bytes that must come before anything can be done
   * @param likely bytes that will come if the answer is as long as those before
   */
  void read(long certain, long likely) {
    if (!isPossible) {
      return;
    }
    long coming = Math.max(certain, likely);
    waitFor(coming < WORTHWHILE ? 1 : (int) Math.min(HIGHEST, coming - LAST), certain < WORTHWHILE);
  }

  /**
   * Called in place of {@link #read} where many answers are to come, of which only some are waited
   * for.
   *
   * @param likely how many bytes these are, if they are as long as those before
   */
  void readTogether(long likely) {
    if (!isPossible) {
      return;
    }
    // Not for each byte of difference between one answer and the next.
    waitFor((int) Math.max(1, Math.min(HIGHEST, likely) & ~(STEP - 1)), true);
  }

  private void waitFor(int bytes, boolean isGuess) {
    reads++;
    move(bytes);
    isRaisedByGuess = mark > 1 && isGuess;
    if (isRaisedByGuess && !isLookedAfter) {
      lookLater();
    }
  }

  private void move(int to) {
    if (to == mark) {
      return;
    }
    try {
      channel.config().setOption(SO_RCVLOWAT, to);
      mark = to;
    } catch (ChannelException closedOrRefused) {
      isPossible = false;
    }
  }

  private void lookLater() {
    isLookedAfter = true;
    readsBefore = reads;
    channel.eventLoop().schedule(look, MOMENT_MILLIS, TimeUnit.MILLISECONDS);
  }

  private void look() {
    isLookedAfter = false;
    if (!isRaisedByGuess || !channel.isOpen()) {
      return;
    }
    if (reads != readsBefore) {
      lookLater();
    } else {
      isRaisedByGuess = false;
      slow.run();
      move(1);
    }
  }
}
