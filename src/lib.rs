//! rum
