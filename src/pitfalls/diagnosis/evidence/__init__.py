"""What the cards hold, question by question: records alone, without torch."""
