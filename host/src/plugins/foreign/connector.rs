//! What connectors of both directions have in common. The objects of the contract are two types with the same methods, so
//! this is a macro.

/// Gives a connector its life: made, checked, started, divided into tasks, stopped.
macro_rules! connector {
    ($connector:ident, $object:ty) => {
        impl $connector {
            pub(crate) fn new(object: $object) -> $connector {
                let control = Control::new(object.control());
                $connector { object, control }
            }

            /// The half that any thread may use.
            pub fn control(&self) -> Control {
                self.control.clone()
            }

            /// Lets the plugin check a whole configuration. The answer holds the keys whose state differs from what
            /// the definition says. May be called on a connector that was never started.
            ///
            /// # Errors
            /// Whatever the plugin answers.
            pub fn validate(&self, props: &Props) -> Result<Vec<ConfigValueInfo>> {
                result(self.object.validate(to_pairs(props))).map(config_values)
            }

            /// Starts it.
            ///
            /// # Errors
            /// Whatever the plugin answers.
            pub fn start(&mut self, context: Arc<dyn ConnectorContext>, props: &Props) -> Result<()> {
                result(self.object.start(contexts::connector(context), to_pairs(props)))
            }

            /// The configurations of at most `maximum` tasks.
            ///
            /// # Errors
            /// Whatever the plugin answers, or a configuration that is malformed.
            pub fn task_configs(&mut self, maximum: u32) -> Result<Vec<Props>> {
                let configs = result(self.object.task_configs(maximum))?;
                configs.into_iter().map(from_pairs).collect()
            }

            /// Stops it. No call may follow.
            ///
            /// # Errors
            /// Whatever the plugin answers.
            pub fn stop(&mut self) -> Result<()> {
                result(self.object.stop())
            }
        }
    };
}

pub(super) use connector;
