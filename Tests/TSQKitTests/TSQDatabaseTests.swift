import Testing
import TSQKit
